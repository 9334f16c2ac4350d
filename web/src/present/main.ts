// Starts the stage's page.

import { mount } from "svelte";
import { applyTheme } from "../ui/theme";
import "./stage.css";
import Stage from "./Stage.svelte";

applyTheme("dark");
// A link with the stage's token that is opened where the stage is open already changes the fragment only.
addEventListener("hashchange", () => {
  if (location.hash.includes("token=")) location.reload();
});
mount(Stage, { target: document.getElementById("app")! });
