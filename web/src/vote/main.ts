import { mount } from "svelte";
import Vote from "./Vote.svelte";

mount(Vote, { target: document.getElementById("app")! });
