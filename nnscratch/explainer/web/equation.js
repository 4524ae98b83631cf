// An explanation of one element on the screen.

/** Terms as coloured text. */
function equation(terms) {
  return html(
    "p",
    { class: "equation" },
    terms.map((term) => {
      if (typeof term === "string") return term;
      const text = formatNumber(term.number);
      const kind = term.of === "result" ? "result" : `of-${term.of}`;
      return html("span", { class: kind }, term.bracket ? `(${text})` : text);
    }),
  );
}

/**
 * A box that holds an explanation, with the matrices that took part beneath it.
 *
 * `explain(index)` gives {lines, marks, note}: each line is a list of terms, marks say for each
 * array by its key which of its elements took part. It gives null where there is nothing to say.
 */
function workedOut(title, arrays, explain) {
  const lines = html("div", {});
  const words = html("p", { class: "quietly" });
  const maps = arrays.map(({ key, name, array }) => ({
    key,
    map: matrix(array, { label: name, small: true }),
  }));
  const heading = html("h4", {});
  const root = html(
    "div",
    { class: "worked-out" },
    heading,
    lines,
    words,
    html(
      "div",
      { class: "matrices" },
      maps.map(({ map }) => map.root),
    ),
  );
  return {
    root,
    show(index) {
      const explained = explain(index);
      root.hidden = explained === null;
      if (!explained) return;
      heading.textContent = index.length ? `${title} ${formatIndex(index)}` : title;
      lines.replaceChildren(...explained.lines.map(equation));
      words.textContent = explained.note;
      words.hidden = !explained.note;
      for (const { key, map } of maps) map.show(null, explained.marks.get(key));
    },
  };
}
