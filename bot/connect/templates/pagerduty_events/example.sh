# PagerDuty Events v2: point the tool at this address instead of https://events.pagerduty.com/v2/enqueue; the token is its
# routing key (or integration key).
for action in trigger resolve; do
  curl --fail-with-body '@URL@' -H 'Content-Type: application/json' \
    -d '{"routing_key":"@TOKEN@","event_action":"'"$action"'","dedup_key":"disk/shop-1","payload":{"summary":"Disk is full","source":"shop-1","severity":"error"}}'
done
