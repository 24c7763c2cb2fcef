/** The parts that one can change: their names, what they are, and what a change there means. */
export const INPUTS = {
  "salt": {
    name: "Salt",
    about: "Random, new for every message.",
    meaning: "The salt goes into PRK, and from there into key and nonce.",
  },
  "record-size": {
    name: "Record size",
    about: "A number of four bytes: how long a record may be, its tag included.",
    meaning: "No key depends on it and no tag protects it; it must only be large enough for the one record there is.",
  },
  "key-length": {
    name: "Length of the key id",
    about: "One byte. 41 is 65.",
    meaning: "It says where the header ends and the record begins.",
  },
  "key-id": {
    name: "Sender’s public key",
    about: "The key id of RFC 8188. The pair was made for this message alone, and its private half is forgotten.",
    meaning: "With another point there is another shared secret; but most bytes are no point at all.",
  },
  "ciphertext": {
    name: "Ciphertext",
    about: "As long as plaintext, delimiter and padding together.",
    meaning: "Key and nonce are right, but the tag was made over other bytes.",
  },
  "tag": {
    name: "Tag",
    about: "16 bytes of AES-GCM that vouch for all of the ciphertext.",
    meaning: "Key, nonce and ciphertext are right; what vouches for them is not.",
  },
  "public-key": {
    name: "Receiver’s public key",
    about: "p256dh of the subscription, this page’s own. The sender encrypted for it.",
    meaning: "Both public keys go into key_info, so a message for one receiver is none for another.",
  },
  "auth": {
    name: "Authentication secret",
    about: "auth of the subscription. Browser and App Server know it; the push service does not.",
    meaning: "Whoever lacks this secret may have the right private key and still gets another PRK_key.",
  },
};
