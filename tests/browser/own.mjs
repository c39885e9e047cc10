// Somebody with an account of their own signs in and writes. Started by tests/it/dashboard_own.rs.
import { live } from "./own_live.mjs";
import { ownLooks } from "./own_looks.mjs";
import { refusal } from "./own_refusal.mjs";
import { settings } from "./own_settings.mjs";
import { relations } from "./own_relations.mjs";
import { signingIn } from "./own_signing.mjs";
import { writing } from "./own_writing.mjs";
import { run } from "./stage.mjs";

await run({ signingIn, writing, relations, live, settings, ownLooks, refusal });
