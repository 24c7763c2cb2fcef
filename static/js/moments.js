/** Moments in the reader's own words and time zone. All take ISO text or seconds since 1970. */

const asDate = (moment) => new Date(typeof moment === "number" ? moment * 1000 : moment);
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export const time = (moment) => CLOCK.format(asDate(moment));

/** "today", "yesterday", or the date. */
export function day(moment) {
  const days = Math.round((midnight(asDate(moment)) - midnight(new Date())) / 86_400_000);
  return days >= -1 ? AGO.format(days, "day") : DATE.format(asDate(moment));
}

/** "just now", "5 minutes ago", "3 days ago". */
export function ago(moment) {
  const seconds = (asDate(moment) - Date.now()) / 1000;
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
  const [unit, length] = units.find(([, each]) => Math.abs(seconds) >= each) ?? [];
  return unit ? AGO.format(Math.round(seconds / length), unit) : "just now";
}

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
