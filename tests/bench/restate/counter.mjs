// The peer of command.restate: a Restate service with one virtual object whose handler changes one
// durable state and answers with it. Arguments: the folder of node_modules, and the port.
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , modules, port] = process.argv;
const sdk = createRequire(path.join(modules, "from-here.js")).resolve("@restatedev/restate-sdk");
const restate = await import(pathToFileURL(sdk));

const counter = restate.object({
  name: "counter",
  handlers: {
    add: async (context, incident) => {
      const count = ((await context.get("count")) ?? 0) + 1;
      context.set("count", count);
      context.set("last", incident);
      return { count };
    },
  },
});

restate.endpoint().bind(counter).listen(Number(port));
