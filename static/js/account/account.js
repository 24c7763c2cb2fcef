/**
 * The account page: keep (guests), password, quiet, delete. The server decides; each part says what
 * became of it, beside the field where one is at fault.
 */
import { post } from "pushlab/shared/api.js";
import { AccountForm } from "./account_form.js";
import { AccountMute } from "./account_mute.js";

const reload = () => location.reload();
const leave = () => document.dispatchEvent(new CustomEvent("push:signed-out"));

const parts = [
  new AccountForm("keep", (body) => post("/api/account", body), "You are a guest no longer.", reload),
  new AccountForm("password", (body) => post("/api/account/password", body), "The password is changed."),
  new AccountForm("delete", (body) => post("/api/account/delete", body), "Everything is deleted.", leave),
  new AccountMute(),
];

for (const part of parts) part.start();
