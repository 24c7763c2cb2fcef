/**
 * Numbers into lines: pure, so that it is proved without a browser. A plot is 900 wide and 100 high
 * in its own units; time runs from `span` seconds ago, on the left, to the last point, on the right.
 */
export const WIDTH = 900;
export const HEIGHT = 100;

const SPANS = [120, 300, 900];

/** The next of 1, 2, 5, 10, 20 … above all values, so that the scale does not move all the time. */
export function topOf(values, least) {
  const most = Math.max(least, ...values.filter((value) => value !== null));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most * 0.9999) ?? most;
}

/** How many seconds to show: the plots of a process that has just begun are not empty on the left. */
export const spanOf = (times) => SPANS.find((span) => span >= times.at(-1) - times[0]) ?? SPANS.at(-1);

/** Where a moment stands. */
export const xOf = (at, end, span) => round(WIDTH * (1 - (end - at) / span));

/**
 * The `d` of a path through `values`, one for each of `times` (seconds). It is broken where there is
 * no value, or no point for more than `gap` seconds; what stands alone is a dot.
 */
export function path(times, values, { top, span, gap }) {
  const end = times.at(-1);
  let before = null;
  return times.map((at, index) => {
    const value = values[index];
    if (value === null || at < end - span) {
      before = null;
      return "";
    }
    const joined = before !== null && at - before <= gap;
    before = at;
    const here = `${xOf(at, end, span)} ${round(HEIGHT * (1 - Math.min(value / top, 1)))}`;
    return joined ? `L${here}` : `M${here}h0`;
  }).join("");
}

const round = (number) => Math.round(number * 10) / 10;
