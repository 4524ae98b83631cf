// What the mistake that is switched on does to each number: looked up by entry and by edge.

const lookedUp = new WeakMap();

function brokenNow() {
  return tape.breaks.find((one) => one.key === state.broken) ?? null;
}

/**
 * What is wrong now; null while nothing is.
 *
 * `gradients` and `values` by entry (those of ops in the order of the walk), `contributions` and
 * `lost` by edge, and `first`: the entries with a wrong gradient that got right ones from all.
 */
function wrongNow() {
  const broken = brokenNow();
  if (!broken) return null;
  if (!lookedUp.has(broken)) lookedUp.set(broken, lookUp(broken));
  return lookedUp.get(broken);
}

function lookUp(broken) {
  const by = (key, records) => new Map(records.map((record) => [record[key], record]));
  const walk = (entry) => visitedAt.get(entry) ?? Infinity; // leaves come last
  const gradients = by(
    "entry",
    [...broken.gradients].sort((one, other) => walk(one.entry) - walk(other.entry) || 0),
  );
  const isFirst = (entry) => !contributionsTo(entry).some((edge) => gradients.has(edge.target));
  return {
    gradients,
    contributions: by("edge", broken.contributions),
    lost: by("edge", broken.lost),
    values: by("entry", broken.values),
    first: new Set([...gradients.keys()].filter(isFirst)),
  };
}

/** {entry, wrong, error} of an entry whose gradient is a wrong one now; null of others. */
function brokenGradient(entry) {
  return wrongNow()?.gradients.get(entry) ?? null;
}

function brokenValue(entry) {
  return wrongNow()?.values.get(entry)?.wrong ?? null;
}

/** What is sent along an edge now, where that is not what should be; null elsewhere. */
function brokenContribution(edge) {
  const record = wrongNow()?.contributions.get(edge.id);
  if (!record) return null;
  return record.wrong ?? brokenGradient(edge.source).wrong; // all that the source gets
}

function isLost(edge) {
  return wrongNow()?.lost.has(edge.id) ?? false;
}

/** Why a share that is sent now changes nothing. */
function lostWords(edge) {
  const [from, to] = [nameOf(edge.target), nameOf(edge.source)];
  return wrongNow().lost.get(edge.id).why === "late"
    ? `What ${from} sends comes too late: ${to} has been visited by then and has passed on what it had.`
    : `What ${from} sends is lost: the next share takes its place (= instead of +=).`;
}

/** The mark of an entry in the graph: where a share is lost, or where it goes wrong first. */
function flagOf(entry) {
  if (!brokenGradient(entry)) return "";
  if (contributionsTo(entry).some(isLost)) return "✗ share lost";
  return wrongNow().first.has(entry) ? "✗ begins here" : "";
}

/** "3 right, 1 wrong": numbers, or norms of arrays. */
function rightAndWrong(right, wrong) {
  const single = [right, wrong].every((array) => !array || sizeOf(array.shape) === 1);
  const [one, other] = [right, wrong].map((array) => {
    if (!array) return undefined;
    return single ? numberIn(array, 0, 0) : Number(array.norm);
  });
  const text = (number) => (number === undefined ? "none" : formatNumber(number));
  const words = `${single ? "" : "norm "}${text(one)} right, ${text(other)} wrong`;
  const ratio = other / one;
  return Number.isFinite(ratio) ? `${words}: × ${formatNumber(ratio, 3)}` : words;
}
