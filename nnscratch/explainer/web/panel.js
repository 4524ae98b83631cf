// The panel: its tabs, and what is in the one that is open.

const TABS = [
  { key: "inspect", title: "Inspect", draw: drawInspect, there: () => true },
  { key: "break", title: "Break it", draw: drawBreaks, there: () => tape.breaks.length > 0 },
  { key: "training", title: "Training", draw: drawTraining, there: () => Boolean(tape.run) },
  {
    key: "time",
    title: "Time",
    draw: drawTimes,
    there: () => tape.entries.some((entry) => entry.seconds),
  },
  { key: "program", title: "Program", draw: drawProgram, there: () => Boolean(tape.program) },
];
let tabs = []; // those that this document has something for

function startPanel() {
  tabs = TABS.filter((tab) => tab.there());
  byId("tabs").append(
    ...tabs.map(({ key, title }) =>
      html(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${key}`,
          "aria-controls": "panel",
          onclick: () => change({ tab: key }),
        },
        title,
      ),
    ),
  );
  byId("tabs").addEventListener("keydown", keyInTabs);
  onChange(["tab", "selected", "broken"], drawPanelSoon);
  new ResizeObserver(whenPanelResized).observe(byId("panel"));
  drawPanel();
}

const drawPanelSoon = soon(drawPanel);
let drawnTab = null;
let drawnFor = null;
let drawnWidth = 0;

function drawPanel() {
  const panel = byId("panel");
  for (const { key } of tabs) {
    const own = byId(`tab-${key}`);
    own.setAttribute("aria-selected", String(key === state.tab));
    own.tabIndex = key === state.tab ? 0 : -1;
  }
  panel.setAttribute("aria-labelledby", `tab-${state.tab}`);
  const fresh = drawnTab !== state.tab || (state.tab === "inspect" && drawnFor !== state.selected);
  drawnTab = state.tab;
  drawnFor = state.selected;
  const { draw } = tabs.find(({ key }) => key === state.tab);
  keepingFocus(panel, () => panel.replaceChildren(...draw().filter(Boolean)));
  if (fresh) panel.scrollTop = 0;
  drawnWidth = panel.clientWidth;
}

/** Matrices are as wide as the panel, so another width needs other matrices. */
function whenPanelResized() {
  if (Math.abs(byId("panel").clientWidth - drawnWidth) > 40) drawPanelSoon();
}

function keyInTabs(event) {
  const place = tabs.findIndex(({ key }) => key === state.tab);
  const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[
    event.key
  ];
  if (next === undefined) return;
  event.preventDefault();
  const { key } = tabs[(next + tabs.length) % tabs.length];
  change({ tab: key });
  byId(`tab-${key}`).focus();
}
