"""Between requests of runs and the streams of their results: who does not listen gets no results, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from gradio.server_messages import UnexpectedErrorMessage
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.ui.listeners import LISTENERS, Listeners
from explorer.ui.security.routes import Route

SECONDS_BETWEEN_SWEEPS = 2.0


class ResultStreams:
    """Tells :class:`~explorer.ui.listeners.Listeners` what is requested and listened to.

    Args:
        app: the next ASGI app, Gradio's.
    """

    def __init__(self, app: ASGIApp, listeners: Listeners = LISTENERS) -> None:
        self._app, self._listeners = app, listeners
        self._sweeper: asyncio.Task[None] | None = None

    async def request_run(self, scope: Scope, receive: Receive, send: Send, client: str, session: str | None) -> None:
        """Pass on a request to run something.

        Args:
            session: the session that it names, if any.

        Raises:
            TooManyUnheard: the client has requested too much that it does not listen to.
        """
        self._listeners.check(client, session)
        if session is not None:
            self._listeners.expect(session, client)

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.body" and (event := _event_in(message.get("body", b""))):
                self._listeners.expect(session or event, client, event)
            await send(message)

        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep(scope["app"]))
        await self._app(scope, receive, watch)

    async def stream(self, scope: Scope, receive: Receive, send: Send, route: Route, path: str) -> None:
        """Pass on a request for the results of a session or of an event."""
        event = route.parameters(path).get("event_id")
        with self._listeners.listening(event or Request(scope).query_params.get("session_hash", "")) as stream:
            is_broken_off = False  # then Gradio ends the stream as if all had been delivered

            async def watch(message: Message) -> None:
                await send(message)
                if message["type"] == "http.response.body" and not message.get("more_body", False):
                    stream.is_complete = not is_broken_off

            async def notice() -> Message:
                nonlocal is_broken_off
                message = await receive()
                is_broken_off = is_broken_off or message["type"] == "http.disconnect"
                return message

            if stream.session not in scope["app"].get_blocks()._queue.pending_messages_per_session:
                await _not_found(event is not None)(scope, receive, send)
                return
            await self._app(scope, notice, watch)
        if stream.is_complete and stream.session == event:
            self._listeners.forget(event)
            await drop_results(scope["app"], event)

    async def _sweep(self, app: Any) -> None:
        """End what nobody listens to, as long as anything is expected."""
        while len(self._listeners):
            await asyncio.sleep(SECONDS_BETWEEN_SWEEPS)
            for session in self._listeners.pop_expired():
                await drop_results(app, session)


def _not_found(is_event: bool) -> Response:
    """What Gradio answers where there are no results, but without a traceback in the log."""
    message = UnexpectedErrorMessage(message="404: Not Found", session_not_found=True)
    text = f'event: error\ndata: "{message.message}"' if is_event else f"data: {message.model_dump_json()}"
    return Response(f"{text}\n\n", media_type="text/event-stream")


async def drop_results(app: Any, session: str) -> None:
    """Drop what Gradio keeps of a session's events: those that wait, and the messages that nobody has fetched."""
    queue = app.get_blocks()._queue
    await queue.clean_events(session_hash=session)
    queue.pending_messages_per_session.pop(session, None)
    queue.pending_event_ids_session.pop(session, None)


def _event_in(body: bytes) -> str | None:
    """Return the event in Gradio's answer to a request of a run; None if it was refused."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    event = answer.get("event_id") if isinstance(answer, dict) else None
    return event if isinstance(event, str) else None
