import { mount } from "svelte";
import Stage from "./Stage.svelte";

mount(Stage, { target: document.getElementById("app")! });
