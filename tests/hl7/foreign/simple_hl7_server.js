// Listens with simple-hl7, prints a line when it is up, and each control id it hears: node simple_hl7_server.js PORT
const hl7 = require("simple-hl7");
const app = hl7.tcp();
app.use((req, res, next) => {
  console.log(req.msg.header.getField(8));
  next();
});
app.use((req, res) => res.end());
app.start(Number(process.argv[2]));
console.log("ready");
