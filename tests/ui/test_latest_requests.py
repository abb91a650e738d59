"""The latest request of each page, and the runs that end because of it."""

from explorer.ui.latest_requests import MAX_CLOSED_PAGES, LatestRequests


def test_the_latest_request_of_each_page_wins():
    latest = LatestRequests()
    latest.record("a", {"count": 2})
    latest.record("b", {"count": 3})
    assert latest.state_of("a", {"count": 2})() == "running"
    assert latest.state_of("a", {"count": 1})() == "superseded"
    assert latest.state_of("c", {"count": 9})() == "running"  # nothing known of this page
    latest.stop("a")
    assert latest.state_of("a", {"count": 2})() == "stopped"
    assert latest.state_of("b", {"count": 3})() == "running"
    latest.record("a", {"count": 3})
    assert latest.state_of("a", {"count": 3})() == "running"
    latest.forget("a")
    assert latest.state_of("a", {"count": 9})() == "superseded"  # the page is closed: nobody waits for its runs
    assert latest.state_of("b", {"count": 3})() == "running"
    latest.record("a", {"count": 4})
    assert latest.state_of("a", {"count": 4})() == "running"  # it was only disconnected
    for k in range(MAX_CLOSED_PAGES + 1):
        latest.forget(f"page {k}")
    assert latest.state_of(f"page {MAX_CLOSED_PAGES}", {})() == "superseded"
    assert latest.state_of("page 0", {})() == "running"
    latest.forget(None)
    assert latest.state_of(None, {"count": 1})() == "running"  # a caller without a page


def test_a_request_that_was_overtaken_on_its_way_is_no_newer_for_it():
    latest = LatestRequests()
    latest.record("a", {"count": 5})
    latest.record("a", {"count": 4})
    assert latest.state_of("a", {"count": 5})() == "running"
    assert latest.state_of("a", {"count": 6})() == "running"  # a run that came before the word of it
    assert latest.state_of("a", {"count": 4})() == "superseded"


def test_a_running_run_learns_of_what_came_after_it_began():
    latest = LatestRequests()
    latest.record("a", {"count": 1})
    state = latest.state_of("a", {"count": 1})
    assert state() == "running"
    latest.record("a", {"count": 2})
    assert state() == "superseded"
    latest.stop("a")
    assert state() == "stopped"


def test_pages_that_never_say_goodbye_are_remembered_up_to_a_bound(monkeypatch):
    monkeypatch.setattr("explorer.ui.latest_requests.MAX_PAGES", 5)
    latest = LatestRequests()
    for k in range(50):
        latest.record(f"page {k}", {"count": k})
        latest.stop(f"page {k}")
    assert len(latest) == 5
    assert latest.state_of("page 49", {"count": 49})() == "stopped"


def test_a_stop_does_not_end_a_newer_run_whose_change_arrives_later():
    latest = LatestRequests()
    latest.record("a", {"count": 1})
    latest.stop("a")
    assert latest.state_of("a", {"count": 1})() == "stopped"
    newer = latest.state_of("a", {"count": 2})
    assert newer() == "running"
    latest.record("a", {"count": 2})
    assert newer() == "running"
