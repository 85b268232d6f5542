#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A loopback Pub/Sub: topics, subscriptions, and push delivery as Google documents it.

It stands for the real service, which needs an account, a network and money, none of which a test may
need. It keeps what matters to a push worker: a message is acknowledged by 102, 200, 201, 202 or 204
only; anything else, or no answer within the deadline, is a delivery attempt spent; a retry policy
spaces attempts out, and without one they follow at once; with a dead-letter policy a message that
used up its attempts goes to the dead-letter topic, with the attributes that say where it came from,
and is lost when that topic has no subscription; messages may come twice. It does not keep: ordering,
filters, snapshots, quotas, and the service's own slowing down after many refusals.

    pubsub_server.py [--port N] [--duplicates SHARE] [--seed N] [--speed FACTOR]

prints "PUBSUB_EMULATOR_HOST=127.0.0.1:PORT". `--speed 10` makes ten seconds of a deadline or a
back-off pass in one. GET /statistics tells what happened to every message.

As a module: `with PubSubServer() as server: ... server.host, server.statistics()`.
"""
import argparse
import base64
import collections
import heapq
import http.client
import itertools
import json
import random
import re
import signal
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACKNOWLEDGING = {102, 200, 201, 202, 204}
DEFAULT_DEADLINE_S = 10
RESOURCE = re.compile(r"/v1/(projects/[^/:]+/(topics|subscriptions)/[^/:]+)(?::(\w+))?$")


def seconds_of(text, default):
    return float(text[:-1]) if text else default


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status, self.message = status, message


class Delivery:
    """One message in one subscription."""

    def __init__(self, message, duplicate=False):
        self.message, self.attempts, self.duplicate = message, 0, duplicate
        self.due, self.done = 0.0, False


class Subscription:
    def __init__(self, name, settings):
        self.name, self.settings = name, settings
        self.waiting = []  # heap of (due, number, delivery)
        self.leases = {}   # ack id -> (deadline, delivery), of pulled messages
        push = settings.get("pushConfig") or {}
        self.endpoint = push.get("pushEndpoint")
        self.no_wrapper = "noWrapper" in push
        self.oidc = push.get("oidcToken")
        self.deadline_s = float(settings.get("ackDeadlineSeconds") or DEFAULT_DEADLINE_S)
        policy = settings.get("retryPolicy")
        self.backoff = (seconds_of(policy.get("minimumBackoff"), 10.0),
                        seconds_of(policy.get("maximumBackoff"), 600.0)) if policy is not None else None
        self.dead_letter = settings.get("deadLetterPolicy")


class PubSubServer:
    def __init__(self, port=0, duplicates=0.0, seed=1, speed=1.0, signer=None, pushers=256):
        self.topics, self.subscriptions = {}, {}
        self.duplicates, self.random, self.speed, self.signer = duplicates, random.Random(seed), speed, signer
        self.lock = threading.Condition()
        self.numbers = itertools.count(1)
        self.history = collections.OrderedDict()  # message id -> what happened to it
        self.fail_publishes = 0                   # the next so many publish requests are answered 503
        self.stopping = False
        handler = type("Bound", (Handler,), {"service": self})
        self.server = Server(("127.0.0.1", port), handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.threads = [threading.Thread(target=self.server.serve_forever, daemon=True)]
        self.threads += [threading.Thread(target=self.push_messages, daemon=True) for _ in range(pushers)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        with self.lock:
            self.stopping = True
            self.lock.notify_all()
        self.server.shutdown()
        self.server.server_close()

    # -- the REST interface ---------------------------------------------------------------------

    def call(self, method, path, body):
        if method == "GET" and path.endswith("/subscriptions"):
            topic = path.removeprefix("/v1/").removesuffix("/subscriptions")
            with self.lock:
                names = [s.name for s in self.subscriptions.values() if s.settings["topic"] == topic]
            return {"subscriptions": names} if names else {}
        match = RESOURCE.match(path)
        if not match:
            raise Refusal(404, f"no such method: {path}")
        name, kind, verb = match.groups()
        with self.lock:
            table = self.topics if kind == "topics" else self.subscriptions
            if method == "PUT":
                return self.create(table, name, kind, body)
            if name not in table:
                raise Refusal(404, f"Resource not found (resource={name.rsplit('/', 1)[1]}).")
            if method == "GET":
                return table[name].settings if kind == "subscriptions" else table[name]
            if method == "DELETE":
                del table[name]
                return {}
            return self.verbs()[kind, verb](table[name] if kind == "subscriptions" else name, body)

    def verbs(self):
        return collections.defaultdict(lambda: self.unknown, {
            ("topics", "publish"): self.publish, ("subscriptions", "pull"): self.pull,
            ("subscriptions", "acknowledge"): self.acknowledge,
            ("subscriptions", "modifyAckDeadline"): self.modify_deadline})

    def unknown(self, *_):
        raise Refusal(404, "no such method")

    def create(self, table, name, kind, body):
        if name in table:
            raise Refusal(409, "Resource already exists in the project.")
        if kind == "topics":
            table[name] = {**body, "name": name}
            return table[name]
        if body.get("topic") not in self.topics:
            raise Refusal(404, "Resource not found: topic")
        deadline = body.get("ackDeadlineSeconds", DEFAULT_DEADLINE_S)
        if not 10 <= deadline <= 600:
            raise Refusal(400, "ackDeadlineSeconds is between 10 and 600")
        dead = body.get("deadLetterPolicy")
        if dead and not 5 <= dead.get("maxDeliveryAttempts", 5) <= 100:
            raise Refusal(400, "maxDeliveryAttempts is between 5 and 100")
        table[name] = Subscription(name, {**body, "name": name, "ackDeadlineSeconds": deadline})
        return table[name].settings

    def publish(self, topic, body):
        if self.fail_publishes > 0:
            self.fail_publishes -= 1
            raise Refusal(503, "try again")
        messages = body.get("messages") or []
        if not messages or len(messages) > 1000:
            raise Refusal(400, "a request holds 1 to 1000 messages")
        if len(json.dumps(body)) > 10_000_000:
            raise Refusal(400, "a request has at most 10 MB")
        return {"messageIds": [self.accept(topic, message) for message in messages]}

    def accept(self, topic, message):
        number = str(next(self.numbers))
        stored = {"data": message.get("data", ""), "messageId": number, "publishTime": rfc3339(time.time())}
        if message.get("attributes"):
            stored["attributes"] = message["attributes"]
        self.history[number] = {"topic": topic, "statuses": [], "times": [], "state": "waiting",
                                "attributes": stored.get("attributes", {})}
        targets = [s for s in self.subscriptions.values() if s.settings["topic"] == topic]
        if not targets:
            self.history[number]["state"] = "discarded"
        for subscription in targets:
            for copy in range(2 if self.random.random() < self.duplicates else 1):
                self.enqueue(subscription, Delivery(stored, duplicate=copy > 0))
        return number

    def enqueue(self, subscription, delivery, wait_s=0.0):
        delivery.due = time.monotonic() + wait_s / self.speed
        heapq.heappush(subscription.waiting, (delivery.due, next(self.numbers), delivery))
        self.lock.notify_all()

    def pull(self, subscription, body):
        self.expire(subscription)
        received, now = [], time.monotonic()
        while len(received) < body.get("maxMessages", 1) and subscription.waiting and subscription.waiting[0][0] <= now:
            delivery = heapq.heappop(subscription.waiting)[2]
            delivery.attempts += 1
            ack_id = f"ack-{next(self.numbers)}"
            subscription.leases[ack_id] = (now + subscription.deadline_s / self.speed, delivery)
            received.append({"ackId": ack_id, "message": delivery.message})
            if subscription.dead_letter:
                received[-1]["deliveryAttempt"] = delivery.attempts
        return {"receivedMessages": received} if received else {}

    def expire(self, subscription):
        now = time.monotonic()
        for ack_id, (deadline, delivery) in list(subscription.leases.items()):
            if deadline < now:
                del subscription.leases[ack_id]
                self.refused(subscription, delivery)

    def acknowledge(self, subscription, body):
        for ack_id in body.get("ackIds", []):
            lease = subscription.leases.pop(ack_id, None)
            if lease:
                self.history[lease[1].message["messageId"]]["state"] = "acknowledged"
        return {}

    def modify_deadline(self, subscription, body):
        for ack_id in body.get("ackIds", []):
            lease = subscription.leases.pop(ack_id, None)
            if lease and body.get("ackDeadlineSeconds", 0) == 0:
                self.refused(subscription, lease[1])
            elif lease:
                until = time.monotonic() + body["ackDeadlineSeconds"] / self.speed
                subscription.leases[ack_id] = (until, lease[1])
        return {}

    # -- push -----------------------------------------------------------------------------------

    def push_messages(self):
        while True:
            with self.lock:
                found = None
                while found is None:
                    if self.stopping:
                        return
                    found, wait = self.next_push()
                    if found is None:
                        self.lock.wait(wait)
                subscription, delivery = found
                delivery.attempts += 1
            status = self.push(subscription, delivery)
            with self.lock:
                self.settle(subscription, delivery, status)

    def next_push(self):
        """The delivery that is due, or how long to wait for one."""
        now, first = time.monotonic(), None
        for subscription in self.subscriptions.values():
            if subscription.endpoint and subscription.waiting:
                if first is None or subscription.waiting[0][0] < first.waiting[0][0]:
                    first = subscription
        if first is None:
            return None, 1.0
        due = first.waiting[0][0]
        if due > now:
            return None, due - now
        return (first, heapq.heappop(first.waiting)[2]), 0

    def push(self, subscription, delivery):
        """The status, or None when no answer came in time."""
        body, headers = self.envelope(subscription, delivery)
        target = urllib.parse.urlsplit(subscription.endpoint)
        connection = http.client.HTTPConnection(target.hostname, target.port or 80,
                                                timeout=subscription.deadline_s / self.speed)
        try:
            connection.request("POST", target.path + (f"?{target.query}" if target.query else ""), body, headers)
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def envelope(self, subscription, delivery):
        headers = {"Content-Type": "application/json"}
        if subscription.oidc and self.signer:
            audience = subscription.oidc.get("audience") or subscription.endpoint
            headers["Authorization"] = "Bearer " + self.signer(audience, subscription.oidc.get("serviceAccountEmail"))
        message = delivery.message
        if subscription.no_wrapper:
            return base64.b64decode(message["data"]), headers
        both = {**message, "message_id": message["messageId"], "publish_time": message["publishTime"]}
        body = {"message": both, "subscription": subscription.name}
        if subscription.dead_letter:
            body["deliveryAttempt"] = delivery.attempts
        return json.dumps(body).encode(), headers

    def settle(self, subscription, delivery, status):
        told = self.history[delivery.message["messageId"]]
        told["statuses"].append(status)
        told["times"].append(time.monotonic())
        if status in ACKNOWLEDGING:
            told["state"] = "acknowledged"
        elif subscription.name in self.subscriptions:
            self.refused(subscription, delivery)

    def refused(self, subscription, delivery):
        policy = subscription.dead_letter
        if policy and delivery.attempts >= policy.get("maxDeliveryAttempts", 5):
            return self.bury(subscription, delivery, policy["deadLetterTopic"])
        wait = 0.0
        if subscription.backoff:
            shortest, longest = subscription.backoff
            wait = min(longest, shortest * 2 ** (delivery.attempts - 1)) * self.random.uniform(0.9, 1.1)
        self.enqueue(subscription, delivery, wait)

    def bury(self, subscription, delivery, topic):
        message = delivery.message
        self.history[message["messageId"]]["state"] = "dead"
        project, name = subscription.name.split("/")[1], subscription.name.rsplit("/", 1)[1]
        if topic in self.topics:
            self.accept(topic, {"data": message["data"], "attributes": {
                **message.get("attributes", {}),
                "CloudPubSubDeadLetterSourceDeliveryCount": str(delivery.attempts),
                "CloudPubSubDeadLetterSourceSubscription": name,
                "CloudPubSubDeadLetterSourceSubscriptionProject": project,
                "CloudPubSubDeadLetterSourceTopicPublishTime": message["publishTime"]}})

    def statistics(self):
        with self.lock:
            return json.loads(json.dumps({"messages": self.history, "topics": list(self.topics),
                                          "subscriptions": [s.settings for s in self.subscriptions.values()]}))

    def states(self, topic=None):
        """How many messages of the topic are waiting, acknowledged, dead or discarded."""
        with self.lock:
            return dict(collections.Counter(m["state"] for m in self.history.values()
                                            if topic is None or m["topic"] == topic))


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that are killed leave broken connections; that is what they are for."""

    request_queue_size = 256


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service = None

    def log_message(self, *_):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        path = self.path.split("?")[0]
        try:
            if path == "/statistics":
                return self.send(200, self.service.statistics())
            self.send(200, self.service.call(self.command, path, json.loads(text) if text else {}))
        except Refusal as refusal:
            self.send(refusal.status, {"error": {"code": refusal.status, "message": refusal.message}})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.send(400, {"error": {"code": 400, "message": f"{type(error).__name__}: {error}"}})

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def send(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--duplicates", type=float, default=0.0, help="share of messages delivered twice")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)
    arguments = parser.parse_args()
    with PubSubServer(arguments.port, arguments.duplicates, arguments.seed, arguments.speed) as server:
        print(f"PUBSUB_EMULATOR_HOST={server.host}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
