// What an extra is made with: all that it needs of what the page has already.

import { html, nothing } from "lit";

import { icon } from "./icons.js";
import { contact, button, described, form, isWrong, tenant, wrong } from "./parts.js";
import { acceptance, acts } from "./sign_screens.js";

export const kit = { html, nothing, icon, contact, button, described, form, isWrong, tenant, wrong, acceptance, acts };

export type Kit = typeof kit;
