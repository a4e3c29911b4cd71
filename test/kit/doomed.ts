// Has a Podman of its own run a container, says so, and waits for its end: for the test of what a killed process leaves.
import process from "node:process";
import { readySandbox, runContainer, sh } from "../contract/runtime_setup.ts";
import { helloImage } from "../../examples/hello_image.ts";
import { startTestPodman } from "./podman.ts";

const { runtime, directory, address, reopen } = await startTestPodman();
const on = { runtime, directory, address, reopen, image: helloImage, missing: { image: "", words: "" } };
await runContainer(on, await readySandbox(on), sh("sleep 1000"));
process.stdout.write("running\n");
setInterval(() => {}, 1_000_000);
