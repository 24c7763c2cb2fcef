/**
 * What a notification brings beside its text, in a row of the inbox and in a toast: pictures, and
 * buttons that lead to pages. A picture that cannot be loaded has no words and so takes no room.
 */
export function fillExtras(element, { icon, image, actions = [] }) {
  picture(element.querySelector("[data-fill=icon]"), icon);
  picture(element.querySelector("[data-fill=image]"), image);
  const slot = element.querySelector("[data-fill=actions]");
  if (actions.length) slot.append(...actions.map(choice));
  else slot.remove();
}

function picture(slot, path) {
  if (path) slot.src = here(path);
  else slot.remove();
}

function choice({ title, navigate }) {
  const link = document.createElement("a");
  Object.assign(link, { className: "choice", href: here(navigate), dir: "auto", textContent: title });
  link.dataset.action = "open";
  return link;
}

const here = (path) => new URL(path, location.origin).href;
