// npm scripts run on the Node that `npm ci` installs into node_modules/.bin. An npm that skips install
// scripts leaves it out and silently falls back to the system's Node: say so in one line.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Tallybook needs Node 22.18 or newer and this is ${process.version}: run \`npm ci\` again and let it run the install script of the package "node" (\`npm install-scripts approve node\`).`,
  );
  process.exit(1);
}
