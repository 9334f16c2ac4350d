// Says of each kind of poll how strangers vote in it, and keeps the account of what they have voted.

/**
 * The accounts by kind: `none` is that of no votes, `add` adds a voter's marks to it, and `sends` returns the
 * members of a request with these marks. `says` is the same for a WebSocket, where it differs.
 */
const choice = {
  none: ({ options }) => options.map(() => 0),
  add: (votes, marks) => marks.forEach((id) => votes[id - 1]++),
  sends: (marks) => ({ optionIds: marks }),
  says: (marks, { options }) => ({ options: marks.map((id) => options[id - 1].text) }),
};
const rating = {
  none: ({ statements, steps }) => statements.map(() => Array(steps).fill(0)),
  add: (votes, marks, { lowest }) =>
    marks.forEach((step, i) => {
      if (step !== null) votes[i][step - lowest]++;
    }),
  sends: (marks) => ({ answer: marks }),
};
const ranking = {
  none: ({ options, places }) => options.map(() => Array(places).fill(0)),
  add: (votes, marks) => marks.forEach((id, place) => votes[id - 1][place]++),
  sends: (marks) => ({ answer: marks }),
};
const points = {
  none: ({ options }) => options.map(() => 0),
  add: (votes, marks) =>
    marks.forEach((some, i) => {
      votes[i] += some;
    }),
  sends: (marks) => ({ answer: marks }),
};
/** Of a number a voter's marks are the number itself. */
const number = {
  none: ({ min, max, step }) => Array(Math.round((max - min) / step) + 1).fill(0),
  add: (votes, value, { min, step }) => votes[Math.round((value - min) / step)]++,
  sends: (value) => ({ answer: value }),
};

/** Of words a voter's marks are the words themselves. The account is kept by what they are without regard to case. */
const words = {
  none: () => ({}),
  add: (votes, marks) => {
    for (const word of new Set(marks.map((mark) => mark.toLowerCase()))) votes[word] = (votes[word] ?? 0) + 1;
  },
  sends: (marks) => ({ answer: marks }),
};

const KINDS = { single: choice, multiple: choice, rating, ranking, points, number, words };

/** Returns what the crowd knows of a poll's kind. */
export const kindOf = ({ kind }) => ({ says: KINDS[kind].sends, ...KINDS[kind] });
