// Listens with node-hl7-server, prints a line when it is up, and each control id: node node_hl7_server.js PORT [KEY CERT]
const fs = require("fs");
const { Server } = require("node-hl7-server");
const [port, key, cert] = process.argv.slice(2);
const server = new Server(key ? { tls: { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } } : {});
const inbound = server.createInbound({ port: Number(port) }, async (req, res) => {
  console.log(req.getMessage().get("MSH.10").toString());
  await res.sendResponse("AA");
});
inbound.on("listen", () => console.log("ready"));
