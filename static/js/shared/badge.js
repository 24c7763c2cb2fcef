/** The number of unread rows, on the installed app's icon where the system shows one. */

export const unread = (rows) => rows.filter((row) => !row.read_at).length;

export async function showBadge(count) {
  if (!navigator.setAppBadge) return;
  await (count ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => null);
}
