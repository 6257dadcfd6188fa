// oauth2-mock-server, told over its standard input what its tokens say.
//
// Usage: node mock-server.mjs MODULE PORT ISSUER
// Every line of the input is a JSON object of claims for the tokens from then on; null leaves a claim out.
// Every line is answered with one.
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [module, port, issuer] = process.argv.slice(2);
const { OAuth2Server } = await import(pathToFileURL(module));
const server = new OAuth2Server();
await server.issuer.keys.generate('RS256');

let claims = {};
server.service.on('beforeTokenSigning', (token) => {
  for (const [name, value] of Object.entries(claims)) {
    if (value === null) delete token.payload[name];
    else token.payload[name] = value;
  }
});
// Its own scheme: not every refusal is an OAuth error until it is said to be one.
await server.start(Number(port), '127.0.0.1');
server.issuer.url = issuer;

for await (const line of createInterface({ input: process.stdin })) {
  claims = JSON.parse(line);
  console.log('done');
}
