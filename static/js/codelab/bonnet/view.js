/** What the pages under the bonnet share: filling in, and bytes as people read them. */

export const part = (name, inside = document) => inside.querySelector(`[data-part="${name}"]`);

export function fill(inside, name, text) {
  for (const place of inside.querySelectorAll(`[data-fill="${name}"]`)) place.textContent = text;
}

export function make(name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

export const hexOf = (byte) => byte.toString(16).padStart(2, "0");

/** `0c 6b fa …` */
export const hex = (bytes) => Array.from(bytes, hexOf).join(" ");

export const counted = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;

/** The sentence for something that failed, with what can be done about it. */
export const said = ({ message, wayOn }) => [message, wayOn].filter(Boolean).join(" ");
