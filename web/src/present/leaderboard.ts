// Starts the leaderboard's page.

import { mount } from "svelte";
import { applyTheme } from "../ui/theme";
import "./stage.css";
import Leaderboard from "./Leaderboard.svelte";

applyTheme("dark");
mount(Leaderboard, { target: document.getElementById("app")! });
