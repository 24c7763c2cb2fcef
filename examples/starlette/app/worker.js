// Wakes when the kitchen has decided, whether or not a page is open.
addEventListener("push", (event) => {
  const body = event.data?.text() ?? "Come and see.";
  event.waitUntil(registration.showNotification("Soup of the day", { body }));
});
