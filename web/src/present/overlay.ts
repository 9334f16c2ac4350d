// The bars in a stream or another page.

import { mount } from "svelte";
import "./stage.css";
import Overlay from "./Overlay.svelte";

mount(Overlay, { target: document.getElementById("app")! });
