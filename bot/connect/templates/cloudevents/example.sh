# CloudEvents: the address and the token go into your broker's subscription; this is one event, begun and ended.
# The handshake (OPTIONS with WebHook-Request-Origin) is answered. The last word of the type says what happened.
for word in firing resolved; do
  curl --fail-with-body '@URL@' \
    -H 'Authorization: Bearer @TOKEN@' \
    -H 'Content-Type: application/cloudevents+json' \
    -d '{"specversion":"1.0","id":"'"$word"'","source":"/monitor","subject":"shop-1/disk","type":"com.example.disk.'"$word"'","data":{"title":"Disk is full","severity":"high","host":"shop-1"}}'
done
