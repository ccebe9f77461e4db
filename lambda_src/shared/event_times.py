"""Where an event says when it happened: data, read by ``shared.event``.

The names are those of the event's body. A test holds them against the models of Genesys Cloud's SDK, whose other fields
of time it lists with the reason why they are not here.
"""

# The moment of the event itself; the first that is there counts.
MOMENTS = (
    "eventTime",
    "eventTimeMs",  # web messages that were not delivered
    "metricDate",  # metrics of a conversation or a flow
    "invocationTime",  # calls of an inbound webhook
    "exportTimestamp",  # exports of lists
    "channel.time",  # Open Messaging
    "timestamp",
    "callStartTime",  # the guide's own shape
    "conversationStart",  # a conversation's details record, which the backfill puts in
)

# When something became as it is now. An event may tell of several such states, and speaks of the newest change. When a
# thing was created is none of them: every later change repeats it.
CHANGES = (
    "activeQueuesModifiedTime",
    "adherenceChangeTime",
    "awayDate",
    "closedDate",
    "createdDate",  # of journey events and summaries; of opportunities, which are published and closed later
    "dateActiveQueuesChanged",
    "dateCompleted",
    "dateModified",
    "endDateTime",
    "endedDate",
    "evaluationFinalizedDate",
    "evaluationFinalizedWithAcwDate",
    "evaluationLastModifiedDate",
    "evaluationStartDate",
    "idleDate",
    "lastEvent.createdDate",
    "modifiedDate",
    "modifiedDateTime",
    "modifyDate",
    "outOfOffice.modifiedDate",
    "presence.modifiedDate",
    "presenceUpdateTime",
    "publishedDate",
    "routingStatus.startTime",
    "secondaryStatus.eventCreationTime",
    "startDateTime",
    "status.eventCreationTime",
)
