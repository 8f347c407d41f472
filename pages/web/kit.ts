// What an extra is made with: all that it needs of what the page has already.

import { html, nothing } from "lit";

import { Problem, send } from "./api.js";
import { icon } from "./icons.js";
import { ask, bar, contact, button, described, form, isWrong, loading, tenant, wrong } from "./parts.js";
import { acceptance, acts } from "./sign_screens.js";

export const kit = {
  html,
  nothing,
  icon,
  ask,
  bar,
  contact,
  button,
  described,
  form,
  isWrong,
  loading,
  tenant,
  wrong,
  acceptance,
  acts,
  Problem,
  send,
};

export type Kit = typeof kit;
