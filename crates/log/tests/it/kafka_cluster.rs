//! Only of the Kafka engine.
