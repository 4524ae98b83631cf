from importlib.resources import files

import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from nnscratch.layers import Dense
from nnscratch.models import Sequential

# In which class did they travel? The passengers of the Titanic; the age of many is missing.
data = pd.read_csv(files("sample_data") / "data" / "titanic.csv")
data = data[["pclass", "survived", "age", "sibsp", "parch", "fare"]].dropna()

x = data.drop(columns="pclass")
y = data["pclass"] - 1

x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)

scaler = StandardScaler()
x_train = scaler.fit_transform(x_train)
x_test = scaler.transform(x_test)

model = Sequential([
    Dense(64, activation="relu", input_shape=(x_train.shape[1],)),
    Dense(64, activation="relu"),
    Dense(3, activation="softmax"),
])

model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=10, batch_size=32, validation_data=(x_test, y_test))

# Fine-tune
model.fit(x_train, y_train, epochs=5, batch_size=32, validation_data=(x_test, y_test))
