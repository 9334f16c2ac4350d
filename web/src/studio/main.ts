// Starts the organiser's page.

import "./studio.css";
import { mount } from "svelte";
import { applyTheme } from "../ui/theme";
import Studio from "./Studio.svelte";

applyTheme();
mount(Studio, { target: document.getElementById("app")! });
