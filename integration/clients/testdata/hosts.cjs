'use strict';
// Loaded before the shop with --require. It does what a line in the hosts file does: the
// gateway's names lead to another machine, here to a port of this one. The clients, their
// addresses and their TLS checks stay as published. No other address is called.
const net = require('node:net');

const lead = new Map(process.env.LEAD.split(',').map((name) => [name, Number(process.env.LEAD_PORT)]));
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  const [options, done] = Array.isArray(args[0]) ? args[0] : args;
  if (!lead.has(options?.host)) throw new Error(`a client calls ${options?.host}`);
  return connect.call(this, { ...options, host: '127.0.0.1', port: lead.get(options.host) }, done);
};
