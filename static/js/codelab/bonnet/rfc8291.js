/**
 * RFC 8291 by hand: a Web Push message decrypted step by step, with nothing of WebCrypto but ECDH,
 * HMAC and AES-GCM, so that every value in between can be looked at. Bytes in, steps out; it imports
 * nothing, and Node runs it against the RFC's own example.
 *
 * A step is `{ id, name, bytes, formula, source }`. What fails is `{ at: <id of the step>, why }`:
 * there are no steps after it.
 */
const SALT = 16;
const FIXED = 21;
const POINT = 65;
const TAG = 16;
const SMALLEST_RECORD = 18;
const DELIMITER = 2;

const subtle = globalThis.crypto.subtle;
const utf8 = (text) => new TextEncoder().encode(text);

class Failure extends Error {
  constructor(at, why) {
    super(why);
    this.at = at;
  }
}

/** The parts of a message's body, in their order: `{ id, start, end }` (RFC 8188 section 2.1). */
export function partsOf(body) {
  const keyEnd = Math.min(FIXED + (body[SALT + 4] ?? 0), body.length);
  const tagStart = Math.max(keyEnd, body.length - TAG);
  return [
    { id: "salt", start: 0, end: SALT },
    { id: "record-size", start: SALT, end: SALT + 4 },
    { id: "key-length", start: SALT + 4, end: FIXED },
    { id: "key-id", start: FIXED, end: keyEnd },
    { id: "ciphertext", start: keyEnd, end: tagStart },
    { id: "tag", start: tagStart, end: body.length },
  ];
}

/**
 * Decrypt `body` for a receiver `{ privateKey, publicKey, auth }`: a CryptoKey for ECDH on P-256, its
 * 65 public bytes, and the 16 bytes of the authentication secret. Resolves to `{ steps, failure }`;
 * the last step of a success is `plaintext`. Never rejects for what a message may contain.
 */
export async function decrypt(body, receiver) {
  const steps = [];
  const keep = (id, name, bytes, formula, source) => {
    steps.push({ id, name, bytes, formula, source });
    return bytes;
  };
  try {
    await walk(body, receiver, keep);
    return { steps, failure: null };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { steps, failure: { at: error.at, why: error.message } };
  }
}

async function walk(body, { privateKey, publicKey, auth }, keep) {
  const { salt, senderKey, record } = readHeader(body, keep);
  const shared = keep(
    "shared-secret", "Shared secret", await agree(privateKey, senderKey),
    "ECDH of the receiver’s private key and the sender’s public key: the x of the point where both arrive", "RFC 8291 §3.1",
  );
  const keyed = keep(
    "prk-key", "PRK_key", await hmac(auth, shared),
    "HMAC-SHA-256, keyed with the authentication secret, over the shared secret", "RFC 8291 §3.4",
  );
  const info = keep(
    "key-info", "key_info", join(utf8("WebPush: info\0"), publicKey, senderKey),
    "“WebPush: info”, a zero byte, the receiver’s public key, the sender’s public key", "RFC 8291 §3.4",
  );
  const ikm = keep(
    "ikm", "IKM", await hmac(keyed, join(info, [1])),
    "HMAC-SHA-256, keyed with PRK_key, over key_info and a byte 01", "RFC 8291 §3.4",
  );
  const prk = keep("prk", "PRK", await hmac(salt, ikm), "HMAC-SHA-256, keyed with the salt, over IKM", "RFC 8188 §2.2");
  const cek = keep(
    "cek", "Content encryption key", (await hmac(prk, utf8("Content-Encoding: aes128gcm\0\x01"))).slice(0, 16),
    "HMAC-SHA-256, keyed with PRK, over “Content-Encoding: aes128gcm”, 00 and 01: its first 16 bytes", "RFC 8188 §2.2",
  );
  const nonce = keep(
    "nonce", "Nonce", (await hmac(prk, utf8("Content-Encoding: nonce\0\x01"))).slice(0, 12),
    "HMAC-SHA-256, keyed with PRK, over “Content-Encoding: nonce”, 00 and 01: its first 12 bytes. The first record’s number is 0, so nothing is added", "RFC 8188 §2.3",
  );
  const opened = keep(
    "record", "Opened record", await open(cek, nonce, record),
    "AES-128-GCM: the ciphertext decrypted with key and nonce, once the tag at its end is found right", "RFC 8188 §2",
  );
  const end = findDelimiter(opened);
  keep("delimiter", "Delimiter and padding", opened.slice(end), "The last byte that is not zero, and the zeros behind it. 02 marks the last record", "RFC 8188 §2");
  keep("plaintext", "Plaintext", opened.slice(0, end), "What stands before the delimiter", "RFC 8291 §4");
}

function readHeader(body, keep) {
  if (body.length < FIXED + TAG) throw new Failure("salt", `A body of ${body.length} bytes is too short to hold a header and a tag.`);
  const salt = keep("salt", "Salt", body.slice(0, SALT), "The first 16 bytes of the body, new for every message", "RFC 8188 §2.1");
  const size = body.slice(SALT, SALT + 4);
  const length = body[SALT + 4];
  const record = body.slice(FIXED + length);
  checkSize(new DataView(size.buffer).getUint32(0), record.length);
  keep("record-size", "Record size", size, "The next 4 bytes, a number: how long a record may be", "RFC 8188 §2.1");
  if (length !== POINT) {
    throw new Failure("key-id", `The length of the key id is ${length}. Web Push puts the sender’s public key there, which has ${POINT} bytes.`);
  }
  const formula = "One byte says how long it is (65), then comes a key pair’s public half that the sender made for this message alone";
  const senderKey = keep("key-id", "Sender’s public key", body.slice(FIXED, FIXED + POINT), formula, "RFC 8291 §4");
  return { salt, senderKey, record };
}

function checkSize(size, length) {
  if (size < SMALLEST_RECORD) {
    throw new Failure("record-size", `A record of ${size} bytes has no room for a tag (16), a delimiter (1) and one byte of text: 18 is the least.`);
  }
  if (length > size) {
    throw new Failure("record-size", `What follows the header has ${length} bytes and a record at most ${size}: that would be several records, and Web Push allows one.`);
  }
}

async function agree(privateKey, senderKey) {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  let known;
  try {
    known = await subtle.importKey("raw", senderKey, curve, false, []);
  } catch {
    const why = senderKey[0] === 4
      ? "These 64 bytes are x and y of no point on the curve P-256, so there is nobody to agree on a secret with."
      : "An uncompressed point begins with the byte 04. This one does not, so it is no public key.";
    throw new Failure("shared-secret", why);
  }
  return new Uint8Array(await subtle.deriveBits({ name: "ECDH", public: known }, privateKey, 256));
}

async function hmac(key, data) {
  const usable = await subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", usable, data));
}

async function open(cek, nonce, record) {
  const key = await subtle.importKey("raw", cek, "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv: nonce }, key, record));
  } catch {
    throw new Failure("record", "The tag is wrong. AES-GCM then gives out nothing at all, and does not say whether key, nonce or ciphertext is another than the sender’s.");
  }
}

/** Where the delimiter stands. The tag was right, so whatever is wrong here is the sender’s doing. */
function findDelimiter(opened) {
  const end = opened.findLastIndex((byte) => byte !== 0);
  if (opened[end] === DELIMITER) return end;
  throw new Failure("delimiter", end < 0 ? "There are only zeros: no delimiter." : `The last byte that is not zero is ${opened[end]}; it must be 2.`);
}

function join(...pieces) {
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
