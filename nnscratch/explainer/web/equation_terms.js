// Writing out an expression of a form with the numbers of one element.
//
// Parts are texts with places for numbers, sums {over, each, join, which} and {cases}. Terms are
// texts and {number, of, bracket}: of which array the number is.

const MOST_TERMS = 6;

const PLACE_FOR_A_NUMBER = /(\{[^}]+\})/;

/** The array that a place in a text stands for; undefined for other text. */
function keyOf(piece) {
  return /^−?\{([^}]+)\}$/.exec(piece)?.[1];
}

/** The arrays that some parts speak of. */
function keysIn(parts) {
  return new Set(
    parts.flatMap((part) => {
      if (typeof part === "string") return part.split(PLACE_FOR_A_NUMBER).map(keyOf);
      if (part.over) return [...keysIn(part.each)];
      return part.cases.flatMap(([condition, inner]) => [...keysIn([condition, ...inner])]);
    }),
  );
}

/** Every array that an op's form speaks of, by its key. */
function arraysOf(target) {
  const arrays = {};
  for (const edge of inputsOf(target.id)) arrays[edge.argument] = valueAlong(edge);
  for (const [key, { array }] of Object.entries(target.known)) arrays[key] = array;
  return { ...arrays, y: target.value, g: target.gradient };
}

/** What an edge carries forward, whichever result of its source that is. */
function valueAlong({ source, output }) {
  const { value, results } = tape.entries[source];
  return results ? results[output].value : value;
}

class Writer {
  constructor(target) {
    this.axes = formOf(target).axes;
    this.arrays = arraysOf(target);
    this.lengths = lengthsOf(this.axes, this.arrays);
    this.meetings = []; // of elements that took part: {key, place, over, which}
    this.reasons = [];
  }

  number(key, place) {
    const array = this.arrays[key];
    const index = array && indexAt(this.axes[key], array.shape, place);
    return index?.every((at) => at !== undefined) ? numberAt(array, index) : undefined;
  }

  /** The terms of some parts, with brackets where a negative number could be misread. */
  terms(parts, place) {
    return bracketed(this.write(parts, place, false));
  }

  write(parts, place, inSum) {
    return parts.flatMap((part) => {
      if (typeof part === "string") return this.text(part, place, inSum);
      return part.over ? this.sum(part, place) : this.chosen(part.cases, place, inSum);
    });
  }

  text(text, place, inSum) {
    const pieces = text.split(PLACE_FOR_A_NUMBER).filter((piece) => piece);
    return pieces.map((piece) => {
      const key = keyOf(piece);
      if (key === undefined) return piece;
      if (!inSum) this.meetings.push({ key, place, over: "" });
      return { number: this.number(key, place), of: kindOf(key) };
    });
  }

  sum(part, place) {
    const { over, each, join = " + ", which = "all" } = part;
    for (const key of keysIn(each)) {
      if (key !== undefined) this.meetings.push({ key, place, over, which });
    }
    const { places, count } = placesOfSum(part, place, this.lengths, MOST_TERMS + 1);
    if (!count) return [join === " · " ? "1" : "0"];
    const shown = count > places.length ? places.slice(0, MOST_TERMS) : places;
    const terms = shown.flatMap((there, at) => [
      ...(at ? [join] : []),
      ...this.write(each, there, true),
    ]);
    if (shown.length < count) terms.push(`${join}… (${count - shown.length} more)`);
    return terms;
  }

  /** The first case that holds, or else the last. */
  chosen(choices, place, inSum) {
    for (const [condition, parts, words] of choices) {
      const holds = condition === "" || this.holds(condition, place);
      if (holds === undefined) return ["…"]; // the page does not have the number
      if (!holds) continue;
      if (condition && !inSum) this.reasons.push(words ?? this.told(condition, place));
      return this.write(parts, place, inSum);
    }
    return this.write(choices[choices.length - 1][1], place, inSum);
  }

  holds(condition, place) {
    const [left, sign, right] = condition.split(" ");
    const [one, other] = [this.operand(left, place), this.operand(right, place)];
    if (one === undefined || other === undefined) return undefined;
    return COMPARED[sign](one, other);
  }

  operand(text, place) {
    if (text.startsWith("@")) return place[text[1]];
    const key = keyOf(text);
    if (key === undefined) return Number(text.replace("−", "-").replace("∞", "Infinity"));
    const number = this.number(key, place);
    return text.startsWith("−") && number !== undefined ? -number : number;
  }

  /** A condition with its numbers. */
  told(condition, place) {
    const [left, sign, right] = condition.split(" ");
    const [one, other] = [left, right].map((text) => formatNumber(this.operand(text, place)));
    return `${one} ${sign} ${other}`;
  }

  /** For each array which of its elements took part. */
  get marks() {
    return new Map(
      Object.keys(this.axes).map((key) => {
        const meetings = this.meetings.filter((meeting) => meeting.key === key);
        const how = key === "1" || key === "g" ? "column-mark" : "row-mark";
        const meets = (row, column) =>
          meetings.some((meeting) => this.meetsAt(meeting, row, column)) ? how : null;
        return [key, meets];
      }),
    );
  }

  meetsAt({ key, place, over, which }, row, column) {
    const { shape } = this.arrays[key];
    const there = lettersAt(this.axes[key], shape, indexOf(shape, row, column));
    if (!there) return false;
    const letters = Object.keys(there);
    if (which === "others" && letters.every((letter) => there[letter] === place[letter]))
      return false;
    return letters.every((letter) =>
      over.includes(letter)
        ? AMONG[which](there[letter], place[letter])
        : there[letter] === place[letter],
    );
  }
}

const COMPARED = {
  "<": (one, other) => one < other,
  "≤": (one, other) => one <= other,
  "=": (one, other) => one === other,
  "≥": (one, other) => one >= other,
  ">": (one, other) => one > other,
  "≠": (one, other) => one !== other,
};

/** The colour of a number: each argument has its own, and the gradient. */
function kindOf(key) {
  if (key === "g") return "gradient";
  return /^\d$/.test(key) ? key : "known";
}

function bracketed(terms) {
  return terms.map((term, at) => {
    if (typeof term === "string") return term;
    const bracket = needsBracket(term.number, terms[at - 1] ?? "", terms[at + 1] ?? "");
    return { ...term, bracket };
  });
}

/** Whether a negative number beside these signs could be misread. */
function needsBracket(number, before, after) {
  return number < 0 && (/[−·/^√∛]\s*$/.test(before) || /^(²|\s*\^)/.test(after));
}
