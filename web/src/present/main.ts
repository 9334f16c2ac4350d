// The stage.

import { mount } from "svelte";
import { applyTheme } from "../ui/theme";
import "./stage.css";
import Stage from "./Stage.svelte";

applyTheme("dark");
// A link with the stage's token, opened where the stage stands already, changes the fragment only.
addEventListener("hashchange", () => {
  if (location.hash.includes("token=")) location.reload();
});
mount(Stage, { target: document.getElementById("app")! });
