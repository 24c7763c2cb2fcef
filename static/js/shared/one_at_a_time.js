/**
 * Questions that are asked again at every hint: two under way at once could be answered in the other
 * order, and what was true before the change would stay. Pure: no imports, no browser.
 */

/**
 * `work` (async) as a function that may be called at any time: it begins when the one before has
 * ended, however that was, and whoever calls meanwhile shares the next. Ends as that does.
 */
export function oneAtATime(work) {
  let last = Promise.resolve();
  let next = null;
  const begin = () => {
    next = null;
    return work();
  };
  return () => {
    if (!next) last = next = last.then(begin, begin);
    return next;
  };
}
