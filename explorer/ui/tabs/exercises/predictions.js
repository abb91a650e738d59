// Answers to the lesson's questions, before and after it, and those given in it. They stay in this browser. No DOM.

/** @typedef {'before' | 'lesson' | 'after'} When */
/** @typedef {Record<When, Record<string, number>>} Answers by the name of a stop: the guess, 1 to 3 */
/** @typedef {{ name: string, right: number }} Question */

/** @type {When[]} */
export const WHEN = ['before', 'lesson', 'after'];
const GUESSES = [1, 2, 3];

/**
 * Read stored answers; what is not an answer is left out.
 * @param {string | null} text
 * @returns {Answers}
 */
export function readAnswers(text) {
  /** @type {any} */
  let stored = null;
  try {
    stored = JSON.parse(text ?? 'null');
  } catch {
    // not JSON: nothing is known
  }
  const answersOf = (/** @type {When} */ when) =>
    Object.fromEntries(Object.entries(stored?.[when] ?? {}).filter(([, guess]) => GUESSES.includes(Number(guess))));
  return { before: answersOf('before'), lesson: answersOf('lesson'), after: answersOf('after') };
}

/**
 * How many of the questions were answered, and rightly.
 * @param {Question[]} questions
 * @param {Record<string, number>} answers
 */
export function scoreOf(questions, answers) {
  const answered = questions.filter(({ name }) => answers[name]);
  return { answered: answered.length, right: answered.filter(({ name, right }) => answers[name] === right).length };
}

/** A field of a CSV file. @param {unknown} value */
const field = (value) => `"${String(value ?? '').replaceAll('"', '""')}"`;

/**
 * The answers as a CSV file, a row for each question.
 * @param {Question[]} questions
 * @param {Answers} answers
 * @param {(question: Question) => string} textOf the question in the language of the page
 */
export function answersAsCsv(questions, answers, textOf) {
  const head = ['stop', 'question', 'right', ...WHEN, ...WHEN.map((when) => `${when}_is_right`)];
  const rows = questions.map((question) => {
    const given = WHEN.map((when) => answers[when][question.name]);
    const isRight = given.map((guess) => (guess === undefined ? '' : Number(guess === question.right)));
    return [question.name, textOf(question), question.right, ...given, ...isRight];
  });
  return `\ufeff${[head, ...rows].map((row) => row.map(field).join(',')).join('\r\n')}\r\n`;
}
