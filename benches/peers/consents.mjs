// @c15t/backend behind Node's own HTTP server, its data in PostgreSQL: a peer of `cargo bench --bench load -- consents`, which starts it.
//
//     consents.mjs MODULES DATABASE_URL
//
// MODULES is a folder in which `npm install @c15t/backend kysely pg` was done. Brings the schema up, prints its port, and answers until it is ended.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, database] = process.argv.slice(2);
const require = createRequire(join(modules, 'any.js'));
const { c15tInstance } = require('@c15t/backend');
const { kyselyAdapter } = require('@c15t/backend/db/adapters/kysely');
const { DB } = require('@c15t/backend/db/schema');
const { migrator } = require('@c15t/backend/db/migrator');
const { Kysely, PostgresDialect } = require('kysely');
const { Pool } = require('pg');

const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: database, max: 32 }) }) });
const adapter = kyselyAdapter({ db, provider: 'postgresql' });
const migration = await migrator({ db: DB.client(adapter), schema: 'latest' });
await migration.execute?.();

const c15t = c15tInstance({ appName: 'measured', basePath: '/', trustedOrigins: ['*'], adapter, logger: { level: 'error' } });

async function answer(incoming, outgoing) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = chunks.length ? Buffer.concat(chunks) : undefined;
  const url = `http://${incoming.headers.host}${incoming.url}`;
  const response = await c15t.handler(new Request(url, { method: incoming.method, headers: incoming.headers, body }));
  const bytes = Buffer.from(await response.arrayBuffer());
  const headers = Object.fromEntries(response.headers);
  delete headers['transfer-encoding'];
  outgoing.writeHead(response.status, { ...headers, 'content-length': bytes.length });
  outgoing.end(bytes);
}

const server = createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch((error) => {
    console.error(error);
    outgoing.writeHead(500, { 'content-length': 0 });
    outgoing.end();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
