// Where the time goes.

const MOST_BARS = 40;

function drawTimes() {
  const timed = tape.entries.filter((entry) => entry.seconds);
  const total = (entry) => (entry.seconds.forward ?? 0) + (entry.seconds.backward ?? 0);
  const sum = (what) => timed.reduce((seconds, entry) => seconds + (entry.seconds[what] ?? 0), 0);
  const sorted = [...timed].sort((one, other) => total(other) - total(one));
  const longest = total(sorted[0]) || 1;
  return [
    html("h2", {}, "Where the time goes"),
    html(
      "p",
      {},
      `The operations alone take ${formatSeconds(sum("forward"))} forward and ${formatSeconds(sum("backward"))} backward, ` +
        `each measured by itself when this page was made (medians).`,
    ),
    html(
      "ul",
      { class: "keys-of-chart" },
      [
        ["forward", "fill-forward"],
        ["backward", "fill-backward"],
      ].map(([name, fill]) => {
        const sample = svg(
          "svg",
          { width: 14, height: 12, "aria-hidden": "true" },
          svg("rect", { width: 14, height: 12, rx: 2 }),
        );
        sample.style.fill = `var(--${name})`;
        return html("li", { class: `key-${fill}` }, sample, name);
      }),
    ),
    kernelsUsed(timed),
    html(
      "div",
      { class: "bars times" },
      sorted.slice(0, MOST_BARS).flatMap((entry) => timeBar(entry, longest)),
    ),
    sorted.length > MOST_BARS
      ? html("p", { class: "quietly" }, `The ${MOST_BARS} longest of ${sorted.length}.`)
      : null,
  ];
}

function kernelsUsed(timed) {
  const counts = new Map();
  for (const { implementation } of timed) {
    if (implementation) counts.set(implementation.name, (counts.get(implementation.name) ?? 0) + 1);
  }
  const words = [...counts].map(([name, count]) => `${count} on ${name}`);
  return words.length ? html("p", { class: "quietly" }, `Kernels: ${listed(words)}.`) : null;
}

function timeBar(entry, longest) {
  const { forward, backward } = entry.seconds;
  const track = html(
    "span",
    { class: "track-of-bar", "aria-hidden": "true" },
    [
      ["fill-forward", forward],
      ["fill-backward", backward],
    ].map(([fill, seconds]) => {
      const bar = html("span", { class: fill });
      bar.style.width = `${(100 * (seconds ?? 0)) / longest}%`;
      return bar;
    }),
  );
  const kernel = entry.implementation?.name ?? "";
  const words = `${formatSeconds(forward)} forward, ${formatSeconds(backward)} backward`;
  const place = entry.layer && entry.layer !== entry.label ? `${layerOf(entry.id)} · ` : "";
  return [
    html(
      "button",
      {
        type: "button",
        class: "name",
        title: entry.implementation?.reason ?? null,
        onclick: () => showEntry(entry.id),
      },
      place + nameOf(entry.id),
    ),
    track,
    html(
      "span",
      { class: "number", title: words, "aria-label": words, role: "img" },
      formatSeconds(forward + (backward ?? 0)),
    ),
    html("span", { class: "quietly" }, kernel),
  ];
}
