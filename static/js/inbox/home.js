/** What of the inbox's page no other page has: the form to send with, and what waits for its time. */
import { Scheduled } from "./scheduled.js";
import { SendForm } from "./send_form.js";

for (const part of [new SendForm(), new Scheduled()]) part.start();
