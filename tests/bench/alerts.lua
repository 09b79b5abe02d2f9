-- Alertmanager webhooks for wrk: wrk ... -s alerts.lua URL -- MODE BATCH RUN TOKEN
-- MODE new: every alert is a new problem; known: 100 problems in turn.
local mode, batch, run, token
local next_id = 0
local headers = { ["Content-Type"] = "application/json" }
local threads = {}

local item = '{"status":"firing","labels":{"alertname":"FilesystemAlmostFull","instance":"%s:9100","job":"node",'
  .. '"severity":"critical","cluster":"prod","namespace":"storage","device":"/dev/nvme0n1p1","fstype":"ext4",'
  .. '"mountpoint":"/var/lib/postgresql","environment":"production","service":"payments-db","team":"platform"},'
  .. '"annotations":{"summary":"Filesystem has less than 3%% space left.","description":"The filesystem '
  .. '/dev/nvme0n1p1 at %s:9100 has 2.41%% space left. It belongs to the primary of the payments database; writes '
  .. 'stop when it is full.","runbook_url":"https://runbooks.example.com/node/filesystemalmostfull"},'
  .. '"startsAt":"2026-11-23T00:30:00.000Z","endsAt":"0001-01-01T00:00:00Z",'
  .. '"generatorURL":"http://prometheus.example.com/graph?g0.expr=node_filesystem_avail_bytes","fingerprint":"%s"}'

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  mode, batch, run, token = arguments[1], tonumber(arguments[2]), arguments[3], arguments[4]
  headers["Authorization"] = "Bearer " .. token
end

function request()
  local alerts = {}
  for n = 1, batch do
    local id = mode == "known" and "k" .. (next_id % 100) or run .. "-" .. next_id
    next_id = next_id + 1
    alerts[n] = item:format(id, id, id)
  end
  local body = '{"version":"4","groupKey":"{}:{}","truncatedAlerts":0,"status":"firing","receiver":"desk",'
    .. '"groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://alertmanager.example.com",'
    .. '"alerts":[' .. table.concat(alerts, ",") .. "]}"
  return wrk.format("POST", nil, headers, body)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"bad":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
