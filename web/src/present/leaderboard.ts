import { mount } from "svelte";
import Leaderboard from "./Leaderboard.svelte";

mount(Leaderboard, { target: document.getElementById("app")! });
