// The stage.

import { mount } from "svelte";
import { applyTheme } from "../ui/theme";
import "./stage.css";
import Stage from "./Stage.svelte";

applyTheme("dark");
mount(Stage, { target: document.getElementById("app")! });
