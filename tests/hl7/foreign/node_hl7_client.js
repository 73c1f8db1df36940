// Sends a message with node-hl7-client and prints the answer it gets: node node_hl7_client.js PORT FILE [CA-FILE]
const fs = require("fs");
const { Client, Message } = require("node-hl7-client");
const [port, file, ca] = process.argv.slice(2);
const client = new Client(ca ? { host: "localhost", tls: { ca: fs.readFileSync(ca) } } : { host: "127.0.0.1" });
const connection = client.createConnection({ port: Number(port), waitAck: true }, (answer) => {
  process.stdout.write(answer.getMessage().toString());
  process.exit(0);
});
connection.sendMessage(new Message({ text: fs.readFileSync(file, "utf8") }));
