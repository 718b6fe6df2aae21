// One gateway client that only receives:  node peer.mjs NAME MODE API_BASE GATEWAY
//
// Says READY when it is, and on SIGTERM how many dispatches it counted and the last
// sequence number.  Everything that a library would do besides is switched off where it
// has a switch.
const [name, mode, apiBase, gateway] = process.argv.slice(2);
const token = "MTAwNjYzMjk2MDAwMDAwMDAwMA.Gbench.not-a-real-token-0123456789abcdefghijk";
const intents = 53608447;
const api = apiBase.replace(/\/v\d+$/, "");

let count = 0;
let seq = 0;

function dispatched(packet) {
	if (packet.op === 0) {
		count++;
		seq = packet.s;
	}
}

function unsupported(why) {
	console.log(`UNSUPPORTED ${why}`);
	process.exit(3);
}

async function discordjsWs() {
	const { WebSocketManager, WebSocketShardEvents, CompressionMethod } = await import("@discordjs/ws");
	const { REST } = await import("@discordjs/rest");
	const zlib = await import("node:zlib");
	if (mode === "zstd-stream" && !zlib.createZstdDecompress) {
		unsupported(`@discordjs/ws needs zstd in Node's own zlib, which ${process.version} has not`);
	}
	const compression = {
		none: null, "zlib-stream": CompressionMethod.ZlibNative, "zstd-stream": CompressionMethod.ZstdNative,
	}[mode];
	const rest = new REST({ version: "10", api }).setToken(token);
	const manager = new WebSocketManager({
		token, intents, compression, shardCount: 1,
		fetchGatewayInformation: () => rest.get("/gateway/bot"),
		rest,
	});
	manager.on(WebSocketShardEvents.Dispatch, (first) => dispatched(first.payload ?? first.data ?? first));
	manager.on(WebSocketShardEvents.Ready, () => console.log("READY"));
	await manager.connect();
}

async function discordJs() {
	if (mode !== "none") {
		unsupported("discord.js 14 compresses only with zlib-sync, an addon of 2023 that must be compiled");
	}
	const { Client } = await import("discord.js");
	const client = new Client({ intents, rest: { version: "10", api } });
	client.on("raw", dispatched);
	client.once("clientReady", () => console.log("READY"));
	await client.login(token);
}

async function eris() {
	if (mode === "zstd-stream") {
		unsupported("eris has no zstd-stream");
	}
	const { default: Eris } = await import("eris");
	const client = new Eris(token, {
		intents, compress: mode === "zlib-stream", maxShards: 1, restMode: false, autoreconnect: false,
	});
	// Its REST client speaks TLS to one host only; it needs the gateway's address alone.
	client.getGateway = async () => ({ url: gateway });
	client.getBotGateway = async () => ({ url: gateway, shards: 1, session_start_limit: { max_concurrency: 1 } });
	client.on("rawWS", dispatched);
	client.on("error", (error) => console.error(error.message));
	client.once("ready", () => console.log("READY"));
	await client.connect();
}

process.on("SIGTERM", () => {
	console.log(`${count} ${seq}`);
	process.exit(0);
});

await { "@discordjs/ws": discordjsWs, "discord.js": discordJs, eris }[name]();
