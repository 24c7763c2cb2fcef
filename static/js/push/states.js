/**
 * The states of this browser's subscription, and what leads from one to the next (W-2 … W-5). Pure.
 *
 *   checking ──► insecure | unsupported
 *      │
 *      ▼     click           yes               20 s
 *   default ──────► asking ───────► subscribing ────► waiting ──┐
 *      ▲             │  │ closed      │ │  ▲  │        │        │
 *      │          no │  └► dismissed  │ │  │  └────────┴► incognito | failed
 *      │             ▼                │ │  │                    │
 *      │          denied              │ └──┴► unreachable       │ (tries again by itself)
 *      │                              ▼                         │
 *      ├───────── subscribed ◄── browser-only ◄─────────────────┘
 *      │              │   ▲           │  (handed over, again and again)
 *      │              ▼   └───────────┤
 *      │    gone | other-key      (subscribing anew, by itself; on as from subscribing)
 *      │
 *      └── withdrawn: the permission was taken back
 *
 * FINDINGS are what a look at the facts finds: on every load, when the server hints at it, when the
 * permission changes. A look may come in any state. STEPS are what follows from a state itself.
 */
export const FINDINGS = {
  "insecure": "insecure",
  "unsupported": "unsupported",
  "not-asked": "default",
  "off": "default",
  "blocked": "denied",
  "taken-back": "withdrawn",
  "wished": "subscribing",
  "died": "gone",
  "foreign-key": "other-key",
  "unconfirmed": "browser-only",
  "confirmed": "subscribed",
  "broken": "failed",
};

const CLICK = { "ask": "asking", "subscribe": "subscribing" };
const ANSWER = {
  "endpoint": "browser-only",
  "unreachable": "unreachable",
  "private": "incognito",
  "no": "denied",
  "closed": "dismissed",
};

export const STEPS = {
  "checking": {},
  "insecure": {},
  "unsupported": {},
  "default": CLICK,
  "asking": { "ask": "asking", "yes": "subscribing", "no": "denied", "closed": "dismissed" },
  "dismissed": CLICK,
  "denied": CLICK,
  "withdrawn": CLICK,
  "incognito": CLICK,
  "failed": CLICK,
  "subscribing": { ...ANSWER, "subscribe": "subscribing", "slow": "waiting" },
  "waiting": { ...ANSWER, "subscribe": "subscribing" },
  "unreachable": { "subscribe": "subscribing" },
  "gone": { ...ANSWER, "slow": "waiting" },
  "other-key": { ...ANSWER, "slow": "waiting" },
  "browser-only": {},
  "subscribed": {},
};

/** The state that `event` leads to. Throws when the drawing knows no such way. */
export function next(state, event) {
  const to = STEPS[state][event] ?? FINDINGS[event];
  if (!to) throw new Error(`No way leads from “${state}” by “${event}”.`);
  return to;
}
