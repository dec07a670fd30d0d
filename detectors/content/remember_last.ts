/** Remembers the last answer of a pure function: several detectors ask the same of one event, one after the other. */

/** The function, which answers at once when it is asked of the same object again. */
export function rememberLast<Argument extends object, Answer>(
  answer: (argument: Argument) => Answer,
): (argument: Argument) => Answer {
  let last: Argument | undefined;
  let known: Answer;
  return (argument) => {
    if (argument !== last) {
      known = answer(argument);
      last = argument;
    }
    return known;
  };
}
