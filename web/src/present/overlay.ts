// Starts the overlay's page, which shows the bars in a stream or in another page.

import { mount } from "svelte";
import "./stage.css";
import Overlay from "./Overlay.svelte";

mount(Overlay, { target: document.getElementById("app")! });
