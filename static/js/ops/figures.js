/**
 * What the plots and tables say of the points that the server tells: pure. A point is one look at
 * everything, counts in it are of the time since the look before (see `PointAnswer` in /api/docs).
 */

/** The lines of each plot, how their numbers read, and the least that the scale shows. */
export const PLOTS = {
  connections: { series: ["connections"], unit: "count", least: 5 },
  pending: { series: ["pending"], unit: "count", least: 5 },
  outbox: { series: ["outbox"], unit: "count", least: 5 },
  notifications: { series: ["created", "acknowledged"], unit: "count", least: 5 },
  outcomes: { series: ["delivered", "ended", "failing"], unit: "count", least: 5 },
  latency: { series: ["p50", "p95"], unit: "seconds", least: 0.05 },
};

/** Values that are seconds; all others are counts. */
const SECONDS = new Set(["oldest_seconds", "p50", "p95"]);

/** Counts that the server's look stops at: see app/ops/cluster.py. */
const BOUNDS = { pending: 100_000 };

/** A point's value; some lines are sums of what the server tells apart. */
export function valueOf(point, key) {
  if (key === "ended") return point.gone + point.refused + point.ours;
  if (key === "failing") return point.failed + point.slow_down;
  return point[key];
}

/** A value in words. */
export function inWords(key, value) {
  if (value === null || value === undefined) return "–";
  if (SECONDS.has(key)) return duration(value);
  return value >= (BOUNDS[key] ?? Infinity) ? `at least ${count(value)}` : count(value);
}

export const count = (value) => value.toLocaleString("en", { maximumFractionDigits: 0 });

/** "14 ms", "1.2 s", "3 min", "2 h", "4 d". */
export function duration(seconds) {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const units = [["d", 86_400], ["h", 3_600], ["min", 120], ["s", 1]];
  const [unit, length] = units.find(([, each]) => seconds >= each);
  return `${Math.round(seconds / (unit === "min" ? 60 : length))} ${unit}`;
}

/** "98 %", and never 100 while something is missing. */
export function share(part, whole) {
  if (!whole) return "–";
  const percent = (100 * part) / whole;
  if (part < whole && percent > 99) return `${Math.floor(percent * 10) / 10} %`;
  return `${part > 0 && percent < 1 ? "< 1" : Math.round(percent)} %`;
}

/** The points as rows of a table, one a minute, the newest first. */
export function minutes(points) {
  const byMinute = new Map();
  for (const point of points) {
    const minute = Math.floor(point.at / 60) * 60;
    byMinute.set(minute, [...(byMinute.get(minute) ?? []), point]);
  }
  return [...byMinute].reverse().map(([at, inside]) => ({ at, ...together(inside) }));
}

const STANDS = ["connections", "pending", "outbox"];
const SUMS = ["created", "acknowledged", "delivered", "ended", "failing", "troubles"];

/** What stands is told as it stood last, what is counted as a sum, what took long at its worst. */
function together(points) {
  const last = points.at(-1);
  const slow = points.map((point) => point.p95).filter((value) => value !== null);
  return {
    ...Object.fromEntries(STANDS.map((key) => [key, last[key]])),
    ...Object.fromEntries(SUMS.map((key) => [key, points.reduce((sum, point) => sum + valueOf(point, key), 0)])),
    p95: slow.length ? Math.max(...slow) : null,
  };
}

/** "201 × 40, no answer × 2": how often a push service answered what. */
export function answers(counts) {
  const names = { none: "no answer", ours: "our own failure" };
  return Object.entries(counts).map(([name, times]) => `${names[name] ?? name} × ${count(times)}`).join(", ");
}

/** What a screen reader is told in place of a plot. */
export function spoken(title, plot, points) {
  const last = points.at(-1);
  const parts = plot.series.map((key) => {
    const values = points.map((point) => valueOf(point, key)).filter((value) => value !== null);
    if (!values.length) return "nothing in this time";
    return `now ${inWords(key, valueOf(last, key))}, at most ${inWords(key, Math.max(...values))}`;
  });
  return `${title}: ${parts.join("; ")}`;
}
