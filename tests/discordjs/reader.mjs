// discord.js as a reader of what a bot does: a second session of the same bot.
//
//   node reader.mjs API_BASE        the token comes in GWBOT_READER_TOKEN
//
// Each thing it sees goes to stdout as one JSON line, as discord.js understood it.  One
// JSON command a line on stdin, answered by a line {answer: ...} or {error: ...}:
//   {do: "commands", guild}         registered commands of a guild, or of all without it
//   {do: "message", channel, id}    one message, asked for anew
//   {do: "pins", channel}           ids of the pinned messages
//   {do: "threads", channel}        active and archived threads
import { createInterface } from 'node:readline';
import { Client, Events, GatewayIntentBits, MessageFlags, Partials } from 'discord.js';

const { Guilds, GuildMessages, MessageContent, GuildMessageReactions, GuildMembers } = GatewayIntentBits;
const client = new Client({
  intents: [Guilds, GuildMessages, MessageContent, GuildMessageReactions, GuildMembers],
  partials: [Partials.Message, Partials.Reaction, Partials.User],
  rest: {api: process.argv[2], version: '10', retries: 0},
});

const tell = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const message = (from) => ({
  id: from.id, channel: from.channelId, guild: from.guildId, content: from.content,
  author: from.author?.id ?? null, bot: from.author?.bot ?? null, webhook: from.webhookId,
  type: from.type, system: from.system, pinned: from.pinned, edited: from.editedTimestamp !== null,
  reference: from.reference?.messageId ?? null,
  ephemeral: from.flags.has(MessageFlags.Ephemeral), loading: from.flags.has(MessageFlags.Loading),
  embeds: from.embeds.map((embed) => embed.toJSON()),
  interaction: from.interactionMetadata?.id ?? null, asker: from.interactionMetadata?.user.id ?? null,
  // Whom the message notifies: what discord.js calls mentions.
  pings: {users: [...from.mentions.users.keys()], roles: [...from.mentions.roles.keys()],
    everyone: from.mentions.everyone, replied: from.mentions.repliedUser?.id ?? null},
  administrator: from.member?.permissions.has('Administrator') ?? null,
});

const reaction = (from, user) => ({message: from.message.id, emoji: from.emoji.name, user: user.id});

const command = (from) => ({
  id: from.id, name: from.name, description: from.description, type: from.type,
  guild: from.guildId, permissions: from.defaultMemberPermissions?.toArray() ?? null,
  options: from.options.map((option) => ({name: option.name, type: option.type,
    description: option.description, required: option.required ?? false})),
});

const seen = {
  [Events.ClientReady]: (ready) => ({user: ready.user.id, guilds: ready.guilds.cache.size}),
  [Events.MessageCreate]: message,
  [Events.MessageUpdate]: (old, now) => message(now),
  [Events.MessageDelete]: (from) => ({id: from.id, channel: from.channelId}),
  [Events.MessageBulkDelete]: (from) => ({ids: [...from.keys()]}),
  [Events.MessageReactionAdd]: reaction,
  [Events.MessageReactionRemove]: reaction,
  [Events.GuildMemberAdd]: (member) => ({user: member.id, guild: member.guild.id,
    roles: [...member.roles.cache.keys()]}),
  [Events.ThreadUpdate]: (old, now) => ({id: now.id, archived: now.archived, locked: now.locked}),
  [Events.InteractionCreate]: (from) => ({id: from.id, command: from.commandName,
    slash: from.isChatInputCommand(), user: from.user.id, guild: from.guildId,
    administrator: from.memberPermissions?.has('Administrator') ?? null,
    options: from.options.data.map(({name, type, value}) => ({name, type, value}))}),
  [Events.Error]: (error) => ({error: String(error)}),
  [Events.Warn]: (text) => ({text}),
};

for (const [event, facts] of Object.entries(seen)) {
  client.on(event, (...things) => tell({event, ...facts(...things)}));
}

const thread = (from) => ({id: from.id, name: from.name, archived: from.archived, locked: from.locked});

const verbs = {
  async commands({guild}) {
    const found = guild ? await (await client.guilds.fetch(guild)).commands.fetch()
      : await client.application.commands.fetch();
    return [...found.values()].map(command);
  },
  async message({channel, id}) {
    const place = await client.channels.fetch(channel);
    return message(await place.messages.fetch({message: id, force: true}));
  },
  async pins({channel}) {
    const page = await (await client.channels.fetch(channel)).messages.fetchPins();
    return page.items.map((item) => item.message.id);
  },
  async threads({channel}) {
    const place = await client.channels.fetch(channel);
    const lists = [await place.threads.fetchActive(false), await place.threads.fetchArchived({}, false)];
    return lists.flatMap((list) => [...list.threads.values()].map(thread));
  },
};

await client.login(process.env.GWBOT_READER_TOKEN);
for await (const line of createInterface({input: process.stdin})) {
  const {do: verb, ...more} = JSON.parse(line);
  try {
    tell({answer: await verbs[verb](more)});
  } catch (error) {
    tell({error: String(error.stack)});
  }
}
await client.destroy();
process.exit(0);
