// Sends a message with simple-hl7 and prints the answer it gets: node simple_hl7.js PORT FILE
const fs = require("fs");
const hl7 = require("simple-hl7");
const [port, file] = process.argv.slice(2);
const client = hl7.Server.createTcpClient("127.0.0.1", Number(port));
client.send(new hl7.Parser().parse(fs.readFileSync(file, "utf8")), (error, answer) => {
  if (error) throw error;
  process.stdout.write(answer.toString());
  process.exit(0);
});
