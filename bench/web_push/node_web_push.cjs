// The peer: npm's web-push with an agent that keeps connections, as many at once as the others.
// Started with the plan and the folder of web-push; speaks as contestant.py does.
const { readFileSync } = require("node:fs");
const { Agent } = require("node:https");
const { createInterface } = require("node:readline");

const [planFile, webPushFolder] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile, "utf8"));
const webPush = require(webPushFolder);

const agent = new Agent({ keepAlive: true, maxSockets: plan.at_once, ca: readFileSync(plan.ca) });
const { public_key: publicKey, private_key: privateKey } = plan;
const options = {
  vapidDetails: { subject: "mailto:bench@example.com", publicKey, privateKey },
  TTL: 60,
  agent,
};

async function sendAll() {
  const waiting = [...plan.subscriptions];
  let sent = 0;
  async function work() {
    while (waiting.length > 0) {
      const answer = await webPush.sendNotification(waiting.pop(), plan.payload, options);
      if (answer.statusCode === 201) sent += 1;
    }
  }
  await Promise.all(Array.from({ length: plan.at_once }, work));
  return sent;
}

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function main() {
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    void line;
    const [used, begun] = [process.cpuUsage(), performance.now()];
    const sent = await sendAll();
    const { user, system } = process.cpuUsage(used);
    say({ sent, seconds: (performance.now() - begun) / 1000, cpu_seconds: (user + system) / 1e6 });
  }
  agent.destroy();
}

main();
